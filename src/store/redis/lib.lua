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

-- What stands first in a session's record: generation, used, expires, idle, revoked (0 if it is not),
-- the attempt that advanced it and the epoch in which it was created; then the user's id, 16 bytes. See
-- record.rs.
local HEAD, HEAD_LENGTH = '>I7I5I5I5I5c8I7', 42

-- 'nil' if there is no session.
local function record(session_key)
  local head = redis.call('GETRANGE', session_key, 0, HEAD_LENGTH - 1)
  if #head < HEAD_LENGTH then return nil end
  local generation, used, expires, idle, revoked, attempt, epoch = struct.unpack(HEAD, head)
  return {
    generation = generation, used = used, expires = expires, idle = idle, revoked = revoked, attempt = attempt,
    epoch = epoch,
  }
end

local function head(s)
  return struct.pack(HEAD, s.generation, s.used, s.expires, s.idle, s.revoked, s.attempt, s.epoch)
end

local function write(session_key, s)
  redis.call('SETRANGE', session_key, 0, head(s))
end

-- 'nil' if there is none, or it is revoked.
local function unrevoked(session_key)
  local session = record(session_key)
  return session and session.revoked == 0 and session or nil
end

local function ends(session)
  return math.min(session.expires, session.used + session.idle)
end

-- Sessions of epochs before this one are over.
local function live_since(live_since_key)
  return tonumber(redis.call('GET', live_since_key)) or 0
end

local function live(session_key, now, since)
  local session = unrevoked(session_key)
  return session and session.epoch >= since and now < ends(session) and session or nil
end

-- The key of the revoked ones is sorted by when that was. What is known of the device goes at once.
local function revoke(session_key, session, revoked_key, id, at)
  session.revoked = math.max(tonumber(at), 1)
  local user = redis.call('GETRANGE', session_key, HEAD_LENGTH, HEAD_LENGTH + 15)
  redis.call('SET', session_key, head(session) .. user)
  redis.call('ZADD', revoked_key, at, id)
end

-- 'true' if these fields are exactly those of the user's sessions among the fields of a hash.
local function are_all_of(hash_key, user, fields)
  local count = 0
  for _, field in ipairs(redis.call('HKEYS', hash_key)) do
    if string.sub(field, 1, 16) == user then count = count + 1 end
  end
  if count ~= #fields then return false end
  for _, field in ipairs(fields) do
    if redis.call('HEXISTS', hash_key, field) == 0 then return false end
  end
  return true
end

-- Notes in which slot a purge has to look for these sessions.
local function schedule(slots_key, slot_key, slot, ids)
  redis.call('APPEND', slot_key, ids)
  redis.call('ZADD', slots_key, slot, slot)
end
