"""HubSpot's door: contacts in batches over aiohttp, properties through HubSpot's own client."""
