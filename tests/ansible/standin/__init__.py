"""A GLPI release archive that is none: of the same shape, with the project's sandbox behind it."""
