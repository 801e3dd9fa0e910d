-- Says how many slots an owner has. owner, life in milliseconds, n, then counter and slots of each.
local P = KEYS[1]
local owner = ARGV[1]
redis.call('SET', P .. 'o:' .. owner, '1', 'PX', tonumber(ARGV[2]))
for i = 1, tonumber(ARGV[3]) do
  local key, n = P .. ARGV[2 * i + 2], tonumber(ARGV[2 * i + 3])
  if n > 0 then redis.call('HSET', key, owner, n) else redis.call('HDEL', key, owner) end
end
return 1
