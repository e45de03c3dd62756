"""The history's migrations, for both databases: frozen once released. ``switcher db upgrade`` runs them."""
