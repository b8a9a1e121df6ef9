"""The cellar: everything that imports torch. It is entered by a process of its own, never by an import."""
