"""The numbered files of DDL. One that has landed is never edited."""
