"""Makes Schemathesis act as Tidegate's callers, with their credentials and signatures, and adds NDJSON.

The callers are in the JSON file that TIDEGATE_CALLERS names (see support/callers.mjs).
"""

import atexit
import base64
import collections
import hashlib
import hmac
import itertools
import json
import os
import time

import schemathesis

with open(os.environ["TIDEGATE_CALLERS"], encoding="utf-8") as file:
    CALLERS = json.load(file)

SIGNATURES = ["X-Pck-Signature", "webhook-id", "webhook-timestamp", "webhook-signature"]

TURNS = {scheme: itertools.cycle(callers) for scheme, callers in CALLERS["bySecurity"].items()}
TURNS["keyIdInQuery"] = itertools.cycle([True, True, False])
TURNS["native"] = itertools.cycle(CALLERS["native"])
TURNS["sums"] = itertools.cycle([True, True, False])
TURNS["topic"] = itertools.cycle([True, True, False])


SEEN = collections.defaultdict(collections.Counter)


@schemathesis.hook
def after_call(context, case, response):
    if case.method == case.operation.method.upper():
        SEEN[case.operation.definition.raw["operationId"]][response.status_code] += 1


@atexit.register
def tell_what_was_seen():
    with open(os.environ["TIDEGATE_SEEN"], "w", encoding="utf-8") as file:
        json.dump(SEEN, file)


@schemathesis.hook
def before_call(context, case, kwargs):
    if is_order(case.body) and next(TURNS["sums"]):
        make_add_up(case.body)
    operation = case.operation.definition.raw["operationId"]
    if operation in ("createPayment", "createRefund") and isinstance(case.body, dict) and next(TURNS["sums"]):
        make_payable(case, operation)
    if operation == "core.rpc_create_integration_key" and isinstance(case.body, dict) and next(TURNS["sums"]):
        # Values that every payload format accepts.
        case.body |= {"p_require_signature": True, "p_signing_secret": None, "p_notification_url": None}
    security = case.operation.definition.raw.get("security", [])
    schemes = [name for requirement in security for name in requirement]
    scheme = next((name for name in schemes if name in CALLERS["bySecurity"]), None)
    if "keyIdInQuery" in schemes and next(TURNS["keyIdInQuery"]):
        case.query["key"] = next(TURNS["native"])
    key_id = (case.path_parameters or {}).get("key_id") or (case.query or {}).get("key")
    native = CALLERS["native"].get(key_id)
    if native:
        case.path_parameters["source"] = native["source"]
        kwargs["auth"] = lambda request: sign_natively(request, native)
    elif scheme:
        caller = next(TURNS[scheme])
        kwargs["auth"] = lambda request: authenticate(request, caller)


def is_order(body):
    lines = body.get("lines") if isinstance(body, dict) else None
    return isinstance(lines, list) and lines and all(isinstance(line, dict) for line in lines)


def make_add_up(order):
    """Replaces the generated amounts, which do not add up, by ones that do. The rest of the order stays."""
    for line in order["lines"]:
        for name in ("discount", "tax", "total"):
            line.pop(name, None)
        line |= {"quantity": 2, "unit_price": "10.00"}
    for name in ("subtotal", "discount_total", "shipping_total", "fee_total", "tax_total"):
        order.pop(name, None)
    order |= {"currency": "USD", "total": f"{20 * len(order['lines'])}.00"}


def make_payable(case, operation):
    """Sets an amount that is still outstanding, and for a payment an order that no other request cancels."""
    case.body.pop("currency", None)
    case.body["amount"] = "0.01"
    if operation == "createPayment":
        case.path_parameters["order"] = CALLERS["payable"]


def authenticate(request, caller):
    """Sends the caller's key. Generated signatures stay only where the caller keeps them."""
    if caller.get("generatedCredential"):
        return request
    request.headers["Authorization"] = f"Bearer {caller['key']}"
    if not caller.get("generatedSignature"):
        for name in SIGNATURES:
            request.headers.pop(name, None)
    if caller.get("secret"):
        moment = str(int(time.time()))
        digest = hmac.new(caller["secret"].encode(), moment.encode() + b"." + body_of(request), hashlib.sha256)
        request.headers["X-Pck-Signature"] = f"t={moment},v1={digest.hexdigest()}"
    return request


def sign_natively(request, native):
    """Signs as the sender does. Two requests of three get a real topic; other generated headers stay."""
    request.headers.pop("Authorization", None)
    for name, value in SENDERS[native["source"]](native["secret"], body_of(request), native["url"]).items():
        request.headers[name] = value
    if native["source"] in TOPICS and next(TURNS["topic"]):
        name, topic = TOPICS[native["source"]]
        request.headers[name] = topic
    return request


TOPICS = {
    "woocommerce": ("X-WC-Webhook-Topic", "order.updated"),
    "shopify": ("X-Shopify-Topic", "orders/create"),
    "webflow": ("X-Webflow-Topic", "ecomm_new_order"),
}


def mac(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256)


def base64_of(digest):
    return base64.b64encode(digest.digest()).decode()


def stripe(secret, body, url):
    now = str(int(time.time()))
    return {"Stripe-Signature": f"t={now},v1={mac(secret.encode(), now.encode(), b'.', body).hexdigest()}"}


def bigcommerce(secret, body, url):
    now, key = str(int(time.time())), secret.encode()
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": now,
        "webhook-signature": "v1," + base64_of(mac(key, b"msg_1.", now.encode(), b".", body)),
    }


def webflow(secret, body, url):
    now = str(int(time.time() * 1000))
    return {
        "X-Webflow-Timestamp": now,
        "X-Webflow-Signature": mac(secret.encode(), now.encode(), b":", body).hexdigest(),
    }


# Wix is missing because it signs with a private key: none of its deliveries here is authentic.
SENDERS = {
    "woocommerce": lambda secret, body, url: {"X-WC-Webhook-Signature": base64_of(mac(secret.encode(), body))},
    "shopify": lambda secret, body, url: {"X-Shopify-Hmac-Sha256": base64_of(mac(secret.encode(), body))},
    "square": lambda secret, body, url: {
        "X-Square-HmacSha256-Signature": base64_of(mac(secret.encode(), url.encode(), body))
    },
    "squarespace": lambda secret, body, url: {"Squarespace-Signature": mac(bytes.fromhex(secret), body).hexdigest()},
    "stripe_checkout": stripe,
    "bigcommerce": bigcommerce,
    "webflow": webflow,
}


def body_of(request):
    body = request.body or b""
    return body.encode() if isinstance(body, str) else bytes(body)


@schemathesis.serializer("application/x-ndjson")
def write_ndjson(context, value):
    if not isinstance(value, list):
        return {"data": str(value).encode()}
    return {"data": "".join(json.dumps(line) + "\n" for line in value).encode()}


@schemathesis.deserializer("application/x-ndjson")
def read_ndjson(context, response):
    return [json.loads(line) for line in response.content.decode().splitlines()]
