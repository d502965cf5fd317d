# shellcheck shell=bash disable=SC2154 # here, state and downloads are set by who sources this
# Apache Kafka: one node, broker and controller in one process, its log made
# anew at each start. From a docker engine if one answers, else from the
# published jars, which are fetched once per version. Why neither was possible
# goes to $state/kafka.reason.

kafka_version=$(<"$here/kafka.version")

kafka_variable() { echo TEST_KAFKA_BOOTSTRAP_SERVERS; }

kafka_launch() {
	rm -f "$state/kafka.reason"
	local port controller
	port=$(free_port)
	controller=$(free_port)
	: >"$state/kafka.log"
	kafka_container "$port" "$controller" || kafka_process "$port" "$controller" || return 1
	echo "127.0.0.1:$port" >"$state/kafka.url"
}

# kafka_properties prints the settings: broker port $1, controller port $2,
# address to listen on $3, data folder $4.
kafka_properties() {
	cat <<-END
		process.roles=broker,controller
		node.id=1
		controller.quorum.voters=1@127.0.0.1:$2
		controller.listener.names=CONTROLLER
		listeners=PLAINTEXT://$3:$1,CONTROLLER://127.0.0.1:$2
		advertised.listeners=PLAINTEXT://127.0.0.1:$1
		listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
		inter.broker.listener.name=PLAINTEXT
		log.dirs=$4
		auto.create.topics.enable=false
		group.initial.rebalance.delay.ms=0
		offsets.topic.num.partitions=4
		offsets.topic.replication.factor=1
		transaction.state.log.num.partitions=2
		transaction.state.log.replication.factor=1
		transaction.state.log.min.isr=1
		share.coordinator.state.topic.num.partitions=1
		share.coordinator.state.topic.replication.factor=1
		share.coordinator.state.topic.min.isr=1
		log.cleaner.dedupe.buffer.size=16777216
		log.index.size.max.bytes=1048576
		file.delete.delay.ms=1000
	END
}

# kafka_container runs the official image. Its settings come from the
# environment: a.b.c is KAFKA_A_B_C. It is tried once: whatever is wrong with the
# engine, the jars come next.
kafka_container() {
	if [[ -n ${kafka_container_tried:-} ]]; then return 1; fi
	kafka_container_tried=1
	command -v docker >/dev/null && timeout 10 docker info >/dev/null 2>&1 || return 1
	local name key value
	local -a settings=()
	name=data-connector-dev-kafka-$1
	while IFS='=' read -r key value; do
		key=${key^^}
		settings+=(-e "KAFKA_${key//./_}=$value")
	done < <(kafka_properties "$1" "$2" 0.0.0.0 /tmp/kafka)
	timeout 300 docker run -d --name "$name" -p "127.0.0.1:$1:$1" -e KAFKA_HEAP_OPTS=-Xmx512m "${settings[@]}" \
		"apache/kafka:$kafka_version" >>"$state/kafka.log" 2>&1 9>&- || {
		docker rm -f "$name" >/dev/null 2>&1
		return 1
	}
	echo "container $name" >"$state/kafka.pid"
}

kafka_process() {
	kafka_java && kafka_jars || return 1
	local data=$state/kafka
	rm -rf "$data"
	mkdir -p "$data"
	kafka_properties "$1" "$2" 127.0.0.1 "$data/log" >"$data/server.properties"
	(kafka_run kafka.tools.StorageTool format -t "$(kafka_cluster_id)" -c "$data/server.properties") \
		</dev/null >>"$state/kafka.log" 2>&1 9>&- || {
		echo "the storage could not be formatted: $state/kafka.log" >"$state/kafka.reason"
		return 1
	}
	kafka_serve
}

# kafka_serve starts the process on the storage that is there.
kafka_serve() {
	kafka_run kafka.Kafka "$state/kafka/server.properties" </dev/null >>"$state/kafka.log" 2>&1 9>&- &
	remember kafka $!
}

# kafka_run turns the (sub)shell it is called in into a Java process of the
# broker's jars: the process id stays.
kafka_run() {
	exec setsid java -Xmx512m -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true \
		-Dlog4j2.configurationFile="$here/kafka/log4j2.properties" \
		-cp "$downloads/kafka-$kafka_version/*" "$@"
}

# kafka_cluster_id prints 16 random bytes as Kafka wants them: base64 for URLs.
kafka_cluster_id() { head -c 16 /dev/urandom | base64 | tr '+/=' 'AB\n' | head -n 1; }

# kafka_java makes sure of a Java that the broker runs on (17 or newer).
kafka_java() {
	have java && have mvn || install_packages default-jdk-headless maven || {
		echo "neither a docker engine answers nor are java and mvn there: install default-jdk-headless and maven" >"$state/kafka.reason"
		return 1
	}
	local version
	version=$(java -version 2>&1 | sed -n '1s/.*version "\([0-9]*\).*/\1/p')
	if ((${version:-0} < 17)); then
		echo "Kafka $kafka_version needs Java 17, and java is version ${version:-unknown}" >"$state/kafka.reason"
		return 1
	fi
}

# kafka_jars fetches the broker. A folder with the final name is complete.
kafka_jars() {
	local libs=$downloads/kafka-$kafka_version
	if [[ -d $libs ]]; then return 0; fi
	say "fetching Apache Kafka $kafka_version"
	rm -rf "$libs.new"
	mvn -q -B -f "$here/kafka/pom.xml" "-Dkafka.version=$kafka_version" dependency:copy-dependencies \
		-DincludeScope=runtime "-DoutputDirectory=$libs.new" </dev/null >>"$state/kafka.log" 2>&1 9>&- || {
		echo "mvn could not fetch Kafka $kafka_version: $state/kafka.log" >"$state/kafka.reason"
		return 1
	}
	mv "$libs.new" "$libs"
}

# kafka_ready: the port opens before the broker takes requests, so its own word
# counts.
kafka_ready() {
	local pid name port
	read -r pid name <"$state/kafka.pid"
	port=$(<"$state/kafka.url")
	answers "${port##*:}" || return 1
	if [[ $pid == container ]]; then
		docker logs --since "$(docker inspect -f '{{.State.StartedAt}}' "$name")" "$name" 2>&1 | grep -q 'Kafka Server started'
	else
		grep -q 'Kafka Server started' "$state/kafka.log"
	fi
}
