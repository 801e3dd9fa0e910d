-- Take and Settle of the counters of limits. KEYS[1] begins the name of every key. at (microseconds; 0: the server's time),
-- owner, life of an owner in milliseconds, whether to settle, n, then of each ask: kind (r: a rate, c: slots), counter, limit,
-- burst, units.
--
-- A rate is a bucket that leaks: level is what was taken and has not leaked, in units times the microseconds of a minute,
-- at the moment. Slots are counted for each owner; those of an owner whose key has run out are free.
-- Answers whether all was taken, then of each ask: whether it fits, what remains, microseconds until it is full, and until it fits.
local P = KEYS[1]
local M = 60000000 -- microseconds of a minute
local OWED = 60 -- minutes that a rate may owe
local at = tonumber(ARGV[1])
if at == 0 then
  local t = redis.call('TIME')
  at = tonumber(t[1]) * 1000000 + tonumber(t[2])
end
local owner, life, settle = ARGV[2], tonumber(ARGV[3]), ARGV[4] == '1'
local asks, levels, slots = {}, {}, {}
for i = 1, tonumber(ARGV[5]) do
  local k = 5 + (i - 1) * 5
  asks[i] = {kind = ARGV[k + 1], key = P .. ARGV[k + 2], limit = tonumber(ARGV[k + 3]), burst = tonumber(ARGV[k + 4]), n = tonumber(ARGV[k + 5])}
end

local function level(a)
  local l = levels[a.key]
  if not l then
    local kept = redis.call('HMGET', a.key, 'l', 'a')
    l = kept[1] and math.max(0, tonumber(kept[1]) - math.max(0, at - tonumber(kept[2])) * a.limit) or 0
    levels[a.key] = l
  end
  return l
end

local function keep(a, l)
  levels[a.key] = l
  if l <= 0 then
    redis.call('DEL', a.key)
    return
  end
  redis.call('HSET', a.key, 'l', string.format('%.0f', l), 'a', string.format('%.0f', at))
  redis.call('PEXPIRE', a.key, math.ceil(l / a.limit / 1000) + 1000)
end

-- taken is how many slots are, by owners that live.
local function taken(a)
  local s = slots[a.key]
  if s then return s end
  s = 0
  local all = redis.call('HGETALL', a.key)
  for i = 1, #all, 2 do
    if all[i] == owner or redis.call('EXISTS', P .. 'o:' .. all[i]) == 1 then
      s = s + tonumber(all[i + 1])
    else
      redis.call('HDEL', a.key, all[i])
    end
  end
  slots[a.key] = s
  return s
end

local function move(a)
  local mine = redis.call('HINCRBY', a.key, owner, a.n)
  if mine <= 0 then redis.call('HDEL', a.key, owner) end
  slots[a.key] = nil
end

if settle then
  for _, a in ipairs(asks) do
    if a.kind == 'c' then
      move(a)
    elseif a.n < 0 then
      keep(a, math.max(0, level(a) - math.min(-a.n, OWED * a.limit) * M))
    else
      keep(a, math.min(level(a) + math.min(a.n, OWED * a.limit) * M, OWED * a.limit * M))
    end
  end
  return {1}
end

local function fits(a)
  if a.kind == 'c' then return taken(a) + a.n <= a.limit end
  return a.n <= a.burst and level(a) + a.n * M <= a.burst * M
end

local all, out, fit = 1, {}, {}
for i, a in ipairs(asks) do
  fit[i] = fits(a)
  if not fit[i] then all = 0 end
end
local slot = false
for i, a in ipairs(asks) do
  if all == 1 then
    if a.kind == 'c' then
      move(a)
      slot = true
    else
      fit[i] = fits(a) -- false only where two asks name one counter
      if fit[i] then keep(a, level(a) + a.n * M) end
    end
  end
end
if slot then redis.call('SET', P .. 'o:' .. owner, '1', 'PX', life) end
out[1] = all
for i, a in ipairs(asks) do
  local remaining, reset, wait
  if a.kind == 'c' then
    remaining, reset, wait = math.max(0, a.limit - taken(a)), 0, 0
  else
    local l = level(a)
    remaining, reset, wait = math.max(0, math.floor((a.burst * M - l) / M)), math.ceil(l / a.limit), 0
    if not fit[i] and a.n <= a.burst then wait = math.max(0, math.ceil((l + (a.n - a.burst) * M) / a.limit)) end
  end
  out[#out + 1], out[#out + 2], out[#out + 3], out[#out + 4] = fit[i] and 1 or 0, remaining, reset, wait
end
return out
