-- The arithmetic of `Attempts` (src/allowance.rs), for the scripts about attempts. Times are in
-- milliseconds. ARGV[1]: the time, or '' for the clock of this server; then the allowance of each key, if it
-- has one.
local MOST_BEYOND = 32
local now = tonumber(ARGV[1]) or own_clock()

-- Each key with its allowance and what is remembered of it.
local function remembered()
  local all = {}
  for at, key in ipairs(KEYS) do
    local first = 2 + (at - 1) * 4
    local f = redis.call('HMGET', key, 'forgotten', 'next')
    all[at] = {
      key = key, free = tonumber(ARGV[first]), forgets = math.max(tonumber(ARGV[first + 1] or 1), 1),
      longest = tonumber(ARGV[first + 2]), delay = tonumber(ARGV[first + 3]), exists = f[1],
      forgotten = tonumber(f[1] or 0), next = tonumber(f[2] or 0),
    }
  end
  return all
end

-- 0 without a delay: a clock that is behind would have to wait for `now`.
local function delayed_until(one)
  local failures = math.ceil(math.max(one.forgotten - now, 0) / one.forgets)
  if failures < one.free then return 0 end
  return now + math.min(one.delay * 2 ^ math.min(failures - one.free, MOST_BEYOND), one.longest)
end

local function add(one)
  local most = now + (one.free + MOST_BEYOND) * one.forgets
  one.forgotten = math.min(math.max(one.forgotten, now) + one.forgets, most)
  one.next = delayed_until(one)
end

local function remember(one)
  local left = math.max(one.forgotten, one.next) - now
  if left <= 0 then return redis.call('DEL', one.key) end
  redis.call('HSET', one.key, 'forgotten', text(one.forgotten), 'next', text(one.next))
  redis.call('PEXPIRE', one.key, text(left))
end

