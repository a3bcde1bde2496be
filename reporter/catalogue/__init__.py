"""What is known of check items: topics, fixes and links, each with how sure the link is."""
