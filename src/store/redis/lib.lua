-- What stands before every script of this folder.
--
-- All keys are declared, and all of them share a hash tag: so a script is one atomic step on one
-- node of a cluster, and while that slot moves it is refused as a whole (TRYAGAIN).
-- A number of Lua is a double; whole ones of ours are far below 2^53.

local forgotten = redis.error_reply('FORGOTTEN this store has no epoch')

-- The store's own clock, in milliseconds since 1970.
local function own_clock()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- 'nil' where there is no epoch.
local function revision_of(epoch_key, revision_key)
  local epoch = tonumber(redis.call('GET', epoch_key))
  return epoch and math.max(epoch, tonumber(redis.call('GET', revision_key)) or 0)
end

local function text(number)
  return string.format('%.0f', number)
end

-- Adds a line to the revocation list and tells whoever listens.
local function note(list_key, position_key, at, subject)
  local position = redis.call('INCR', position_key)
  local line = text(position) .. ' ' .. at .. ' ' .. text(own_clock()) .. ' ' .. subject
  redis.call('ZADD', list_key, position, line)
  redis.call('PUBLISH', list_key, '')
end

-- The times and the state of a session; 'nil' if there is none, or it is revoked.
local function unrevoked(session_key)
  local f = redis.call('HMGET', session_key, 'generation', 'used', 'expires', 'idle', 'revoked', 'attempt')
  if not f[1] or f[5] then return nil end
  return {
    generation = tonumber(f[1]), used = tonumber(f[2]), expires = tonumber(f[3]), idle = tonumber(f[4]),
    attempt = f[6],
  }
end

local function ends(session)
  return math.min(session.expires, session.used + session.idle)
end

local function live(session_key, now)
  local session = unrevoked(session_key)
  return session and now < ends(session) and session or nil
end

-- The key of the revoked ones is sorted by when that was.
local function revoke(session_key, revoked_key, id, at)
  redis.call('HSET', session_key, 'revoked', at)
  redis.call('ZADD', revoked_key, at, id)
end

-- 'true' if these keys are those of exactly the sessions in a user's set.
local function are_all_of(user_key, ids)
  if redis.call('SCARD', user_key) ~= #ids then return false end
  for _, id in ipairs(ids) do
    if redis.call('SISMEMBER', user_key, id) == 0 then return false end
  end
  return true
end

