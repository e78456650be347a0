"""What people read: tables of a run, decisions in words."""
