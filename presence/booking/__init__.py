"""Appointments: services, free starts, hold, book, move, cancel, reminders, invitations."""
