"""What was asked, and what was found: panels in, results out."""
