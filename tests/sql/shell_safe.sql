-- arguments: -cmd LOAD -safe
-- Safe mode refuses .load, so the extension is loaded by -cmd before it; then everything works.
.load nothing
