-- KEYS: epoch, revision.
return revision_of(KEYS[1], KEYS[2]) or forgotten
