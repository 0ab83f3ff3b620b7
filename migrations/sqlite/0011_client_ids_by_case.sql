-- No two ids differ only by upper and lower case. They are ASCII.
CREATE UNIQUE INDEX clients_by_folded_id ON clients (lower(id));
