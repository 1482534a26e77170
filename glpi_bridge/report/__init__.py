"""Reports: what became of the incidents of a period, as a page that people look at, as JSON and as CSV.

An extra of its own (`report`): the service never imports it. It reads GLPI and the store, and changes neither.
"""
