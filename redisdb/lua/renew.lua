-- Renews an owner: 1, or 0 when it had run out. owner, life in milliseconds.
if redis.call('SET', KEYS[1] .. 'o:' .. ARGV[1], '1', 'XX', 'PX', tonumber(ARGV[2])) then return 1 end
return 0
