"""Bitrix24: reading a portal whole and in increments, our fields, cards and notes."""
