"""The history in SQL: SQLite by default, PostgreSQL by its URL. ``history.SqlHistory`` is the way in."""
