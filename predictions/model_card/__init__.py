"""The model card of a release: everything that its signed manifest says, in words, tables and charts."""
