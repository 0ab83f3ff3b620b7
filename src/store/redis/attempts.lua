-- The arithmetic of `Attempts` (src/allowance.rs), for the scripts about attempts. Times are in
-- milliseconds.
local MOST_BEYOND = 32

-- Each key with its allowance and what is remembered of it.
local function remembered()
  local all = {}
  for at, key in ipairs(KEYS) do
    local first = 2 + (at - 1) * 4
    local f = redis.call('HMGET', key, 'forgotten', 'next')
    all[at] = {
      key = key, free = tonumber(ARGV[first]), forgets = math.max(tonumber(ARGV[first + 1]), 1),
      longest = tonumber(ARGV[first + 2]), delay = tonumber(ARGV[first + 3]), exists = f[1],
      forgotten = tonumber(f[1] or 0), next = tonumber(f[2] or 0),
    }
  end
  return all
end

local function delay(one, now)
  local failures = math.ceil(math.max(one.forgotten - now, 0) / one.forgets)
  if failures < one.free then return 0 end
  return math.min(one.delay * 2 ^ math.min(failures - one.free, MOST_BEYOND), one.longest)
end

local function remember(one, now)
  local left = math.max(one.forgotten, one.next) - now
  if left <= 0 then return redis.call('DEL', one.key) end
  redis.call('HSET', one.key, 'forgotten', text(one.forgotten), 'next', text(one.next))
  redis.call('PEXPIRE', one.key, text(left))
end

