-- ARGV: source, token, lease in ms, cap per provider, cap per owner (0: none), and
-- after how many ms of waiting a ticket wants the lease.
-- Answer: 1, 2 when the lease is wanted, or 0 when it is gone.
local l = get('leases', ARGV[1])
if not l or l.token ~= ARGV[2] then
	return 0
end
local now = time()
local since = now - ARGV[6]
call('ZADD', base .. 'expiry', int(now + ARGV[3]), ARGV[1])
promote(now) -- no worker may have asked since tickets are due
settle()

local function leases(kind, name)
	return tonumber(call('HGET', base .. 'running:' .. kind, name) or 0)
end

-- open tells whether a cap lets one more begin when the lease is given back.
local function open(cap, kind, name, mine)
	return cap == 0 or name == mine or leases(kind, name) < cap
end

local perProvider, perOwner = tonumber(ARGV[4]), tonumber(ARGV[5])
local mine = leases('owners', l.owner)

-- first tells whether a claim prefers an owner to that of the lease, once it is
-- given back: else it would be taken by who gave it.
local function first(owner)
	return owner == l.owner or leases('owners', owner) < mine
end

for _, provider in ipairs(call('SMEMBERS', base .. 'providers')) do
	if open(perProvider, 'providers', provider, l.provider) then
		for _, owner in ipairs(call('ZRANGE', base .. 'lanes:' .. provider, 0, 99)) do -- bounds what one heartbeat costs
			local head = call('ZRANGE', lane(provider, owner), 0, 0, 'WITHSCORES')
			if head[2] and tonumber(head[2]) <= since and first(owner) and open(perOwner, 'owners', owner, l.owner) then
				return 2
			end
		end
	end
end
return 1
