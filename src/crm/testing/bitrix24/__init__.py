"""A Bitrix24 portal to test against."""
