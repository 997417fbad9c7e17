"""The HubSpot sink: changes in, contacts written, outcomes out."""
