-- Dispatched: id.
local id = text()
local h = get(id)
if not h or h.k == DONE then return 0 end
h.s = SENT
put(id, h, h.e) -- one that was presumed waits for its end again
return 1
