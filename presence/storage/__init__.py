"""The database: tables, the one writer, readers, migrations, backup."""
