-- Release: at, id.
local at, id = num(), text()
local h = get(id)
if not h then return 0 end
release(id, h, at)
if h.k == LOST then redis.call('ZADD', P .. 'r', at, id) end -- whoever fills again does not bring it back
save()
return 1
