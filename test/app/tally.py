# Counts how often each text was said. State and cursor are stored in one step, so nothing counts twice.
import hashlib, json, os, sys
path = os.path.join(os.environ["HEARSAY_APP_DIR"], "tally.json")
state = json.load(open(path)) if os.path.exists(path) else {"cursor": 0, "said": {}}
def digest():
    return hashlib.sha256("".join(f"{k}={v}\n" for k, v in sorted(state["said"].items())).encode()).hexdigest()
def apply(asked):
    if asked["from"] != state["cursor"]: raise Exception(f"at {state['cursor']}, not {asked['from']}")
    for tx in asked["transactions"]:
        if not tx["text"]: yield {"rejected": "say something"}; continue
        key = tx["text"].encode().hex()
        state["said"][key] = state["said"].get(key, 0) + 1
        yield {"result": state["said"][key]}
    state["cursor"] = asked["cursor"]
    with open(path + ".new", "w") as file: json.dump(state, file); file.flush(); os.fsync(file.fileno())
    os.replace(path + ".new", path)
for line in sys.stdin:
    asked = json.loads(line)
    answer = {"id": asked["id"], "cursor": state["cursor"], "hash": digest()}
    if "apply" in asked: answer.update(results=list(apply(asked["apply"])), hash=digest())
    elif "query" in asked: answer["result"] = digest() if asked["query"]["path"] == "" else state["said"].get(asked["query"]["path"].encode().hex(), 0)
    elif "hello" not in asked: answer["unsupported"] = True
    print(json.dumps(answer), flush=True)
