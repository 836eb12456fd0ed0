"""The formats that labs send, one module each: how it is recognised, and how it is read."""
