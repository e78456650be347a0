"""Jinja templates, `<env>/<style>/{prompt.toml,system.md.j2,observation.md.j2}`; their loader, checks and variants."""
