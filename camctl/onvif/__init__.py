"""Everything ONVIF: how cameras are found out about and commanded. Nothing else in camctl knows SOAP or zeep."""
