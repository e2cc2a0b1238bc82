"""Media: pulling RTSP cameras, fanning one pull out to many viewers. Knows nothing of users or cameras' owners."""
