"""Bridges to other graph libraries; each needs its extra."""
