"""How a panel gets in: read, identified, its unit checked. Plain Python, no Django, no database."""
