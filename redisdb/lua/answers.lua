-- The words that the scripts on the response cache share. KEYS[1] begins the name of every key: e: and a key is an entry (m
-- what is known of it, b its body), u keys by their last use, t keys by their end, s their sizes, b the sum of those, n
-- what was counted. Moments are milliseconds.
local P = KEYS[1]

local function drop(key)
  local size = redis.call('HGET', P .. 's', key)
  if not size then return false end
  redis.call('HDEL', P .. 's', key)
  redis.call('DECRBY', P .. 'b', size)
  redis.call('ZREM', P .. 'u', key)
  redis.call('ZREM', P .. 't', key)
  redis.call('UNLINK', P .. 'e:' .. key)
  return true
end

-- sweep drops entries that are over, at most so many.
local function sweep(at, most)
  local over = redis.call('ZRANGEBYSCORE', P .. 't', '-inf', at, 'LIMIT', 0, most)
  for _, key in ipairs(over) do drop(key) end
  if #over > 0 then redis.call('HINCRBY', P .. 'n', 'expired', #over) end
  return #over
end
