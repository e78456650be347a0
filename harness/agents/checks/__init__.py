"""Rules that a shield or a grader holds decisions against, from labels and guidelines; a module a family."""
