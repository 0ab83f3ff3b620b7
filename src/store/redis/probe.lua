-- Whether all that we need is allowed: scripts, reading, writing, publishing. KEYS: probe, list.
redis.call('SET', KEYS[1], 'x', 'EX', 60)
redis.call('GET', KEYS[1])
redis.call('PUBLISH', KEYS[2], '')
return 1
