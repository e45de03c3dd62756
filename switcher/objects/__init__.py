"""The users' objects: what cost owners, SREs and platform owners write, parsed and checked (api.md, Objects)."""
