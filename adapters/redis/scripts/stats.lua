-- Answer: {due, waiting, leased, ms that the oldest due ticket has waited}.
local now, oldest = time(), nil

local function look(zset)
	local head = call('ZRANGE', zset, 0, 0, 'WITHSCORES')
	local due = tonumber(head[2] or now)
	if due <= now and (not oldest or due < oldest) then
		oldest = due
	end
end

look(base .. 'delayed')
for _, provider in ipairs(call('SMEMBERS', base .. 'providers')) do
	for _, owner in ipairs(call('ZRANGE', base .. 'lanes:' .. provider, 0, -1)) do
		look(lane(provider, owner))
	end
end
local waiting = call('ZCOUNT', base .. 'delayed', '(' .. int(now), '+inf')
return { call('HLEN', base .. 'tickets') - waiting, waiting, call('HLEN', base .. 'leases'), now - (oldest or now) }
