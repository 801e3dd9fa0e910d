-- Ends an owner: its slots are free. owner.
return redis.call('DEL', KEYS[1] .. 'o:' .. ARGV[1])
