"""Is this installation sound, and what to type where it is not?"""
