"""Worker processes on one machine, and tasks on many."""
