"""Half-finished work of the reference's scripts: read as it is, keyed by wnid, with its damage told one by one."""
