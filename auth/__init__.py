"""People: who they are, how they sign in, and what the policy lets each of them do with which camera.

Knows nothing of cameras' insides, HTTP or the rest of the service; `auth.service.AuthService` is the door.
"""
