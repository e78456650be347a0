"""The command line: one file per command. They parse, call and print; what they call is imported when they run."""
