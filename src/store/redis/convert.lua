-- Takes a session over from how it was kept before, if it is still as it was read.
-- KEYS: as it was kept, the set of the user's, the sorted set of ends; users, slots, slot, the session.
-- ARGV: id, generation, used, user and id in bytes, record or '' if it is over, slot.
local f = redis.call('HMGET', KEYS[1], 'generation', 'used')
if f[1] and (f[1] ~= ARGV[2] or f[2] ~= ARGV[3]) then return 0 end
local is_there = f[1] and redis.call('HEXISTS', KEYS[1], 'revoked') == 0
if is_there and ARGV[5] ~= '' and redis.call('EXISTS', KEYS[7]) == 0 then
  redis.call('SET', KEYS[7], ARGV[5])
  redis.call('HSET', KEYS[4], ARGV[4], '')
  schedule(KEYS[5], KEYS[6], ARGV[6], string.sub(ARGV[4], 17))
end
redis.call('DEL', KEYS[1])
redis.call('SREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
return 1
