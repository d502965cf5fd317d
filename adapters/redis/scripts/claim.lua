-- ARGV: worker, token, lease in ms, cap per provider, cap per owner (0: none).
-- Answer: {source, job, provider, owner, due}, or {ms to wait}, -1: for a wake-up.
local worker, token, lease = ARGV[1], ARGV[2], tonumber(ARGV[3])
local now = time()

local function below(cap, kind, name)
	return cap == 0 or tonumber(call('HGET', base .. 'running:' .. kind, name) or 0) < cap
end

-- choose gives the lane to take from. The first of a provider's lanes is that of
-- an owner with the fewest leases: if this one is at its cap, all are.
local function choose(perProvider, perOwner)
	local provider, owner, best
	for _, p in ipairs(call('SMEMBERS', base .. 'providers')) do
		local head = call('ZRANGE', base .. 'lanes:' .. p, 0, 0, 'WITHSCORES')
		local at = tonumber(head[2])
		if at and (not best or at < best) and below(perProvider, 'providers', p) and below(perOwner, 'owners', head[1]) then
			provider, owner, best = p, head[1], at
		end
	end
	return provider, owner
end

-- pause is the time until a ticket becomes due or a lease ends.
local function pause()
	local least = -1
	call('SET', base .. 'idle', 1)
	for _, name in ipairs({ 'delayed', 'expiry' }) do
		local head = call('ZRANGE', base .. name, 0, 0, 'WITHSCORES')
		local ms = head[2] and math.max(head[2] - now, 0)
		if ms and (least < 0 or ms < least) then
			least = ms
		end
	end
	return { least }
end

reap(now, batch)
promote(now)
settle()
local provider, owner = choose(tonumber(ARGV[4]), tonumber(ARGV[5]))
if not provider then
	return pause()
end
local source = call('ZRANGE', lane(provider, owner), 0, 0)[1]
local t = source and get('tickets', source)
if not t then -- only after an eviction of keys: the rest of what was lost goes too
	call('ZREM', lane(provider, owner), source or '')
	rank(provider, owner)
	return { 0 }
end
unwait(source, t)
set('leases', source, { job = t.job, provider = provider, owner = owner, token = token, worker = worker })
call('ZADD', base .. 'expiry', int(now + lease), source)
running(t, 1)
settle()
return { source, t.job, provider, owner, int(t.due) }
