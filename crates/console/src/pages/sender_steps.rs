//! The steps that connect each sender, with the labels of its own screens.

use super::senders::Step::{self, Bearer, Command, Do, Paste, Secret, Topics, Url};

pub const WOOCOMMERCE: &[Step] = &[
    Do(
        "In WordPress open WooCommerce → Settings → Advanced → Webhooks → Add webhook, once for each topic.",
    ),
    Topics(
        "Set Status to Active, and Topic to one of these.",
        &[
            "Order created",
            "Order updated",
            "Order deleted",
            "Order restored",
            "Customer created",
            "Customer updated",
            "Customer deleted",
        ],
    ),
    Url("Paste this as Delivery URL."),
    Secret("Paste the signing secret as Secret."),
    Do(
        "Leave API version at WP REST API Integration v3 and save. WooCommerce sends a ping, which appears in the log of this key at once; the first real event shows whether the secret is right.",
    ),
];

pub const SHOPIFY: &[Step] = &[
    Do(
        "In the Shopify admin open Settings → Notifications → Webhooks → Create webhook, once for each event.",
    ),
    Topics(
        "Choose one of these events, the format JSON and the latest stable API version.",
        &[
            "Order creation",
            "Order update",
            "Order cancellation",
            "Refund create",
            "Customer creation",
            "Customer update",
        ],
    ),
    Url("Paste this as URL, and save."),
    Paste(
        "Below the list Shopify shows the secret that it signs with. One secret serves all its webhooks: paste it here.",
    ),
];

pub const STRIPE: &[Step] = &[
    Do("In the Stripe Dashboard open Developers → Webhooks → Add destination."),
    Topics(
        "Select these events.",
        &[
            "checkout.session.completed",
            "checkout.session.async_payment_succeeded",
            "checkout.session.async_payment_failed",
            "charge.refunded",
            "customer.created",
            "customer.updated",
        ],
    ),
    Url("Choose Webhook endpoint, paste this as Endpoint URL, and create it."),
    Paste("Open the new endpoint, reveal its Signing secret (whsec_…), and paste it here."),
];

pub const SQUARE: &[Step] = &[
    Do(
        "In Square's Developer Console open the application → Webhooks → Subscriptions → Add subscription.",
    ),
    Url("Paste this as Notification URL, exactly as it is: Square signs the URL too."),
    Topics(
        "Select these events.",
        &[
            "order.created",
            "order.updated",
            "payment.created",
            "payment.updated",
            "refund.created",
            "refund.updated",
            "customer.created",
            "customer.updated",
        ],
    ),
    Paste("Save, open the subscription, show its Signature key, and paste it here."),
];

pub const BIGCOMMERCE: &[Step] = &[
    Do(
        "In BigCommerce open Settings → Store-level API accounts → Create API account, with read access to Orders and Customers. Keep its access token and its client secret.",
    ),
    Command(
        "Register the webhook with that account, once for store/order/* and once for store/customer/*.",
        "curl -X POST 'https://api.bigcommerce.com/stores/STORE_HASH/v3/hooks' \\\n  -H 'X-Auth-Token: ACCESS_TOKEN' \\\n  -H 'Content-Type: application/json' \\\n  --data '{\"scope\":\"store/order/*\",\"destination\":\"{url}\",\"is_active\":true}'",
    ),
    Paste("Paste the client secret of the same account here."),
];

pub const SQUARESPACE: &[Step] = &[
    Do(
        "Authorise an OAuth app for the site: Squarespace takes webhook subscriptions from such apps only, not from API keys.",
    ),
    Command(
        "Subscribe with the app's access token.",
        "curl -X POST 'https://api.squarespace.com/1.0/webhook_subscriptions' \\\n  -H 'Authorization: Bearer ACCESS_TOKEN' \\\n  -H 'Content-Type: application/json' \\\n  --data '{\"endpointUrl\":\"{url}\",\"topics\":[\"order.create\",\"order.update\"]}'",
    ),
    Paste("The answer holds the subscription's secret, once. Paste it here."),
];

pub const WIX: &[Step] = &[
    Do("In the Wix app dashboard open your app → Webhooks → Create webhook."),
    Topics(
        "Choose one of these events; each is a webhook of its own.",
        &["Order Approved", "Order Updated", "Order Canceled"],
    ),
    Url("Paste this as Callback URL, and save. Install the app on the site, if it is not yet."),
    Paste("On the same page choose Get Public Key, copy all of its lines, and paste them here."),
];

pub const WEBFLOW: &[Step] = &[
    Do(
        "In Webflow open Site settings → Apps & integrations → API access, and make a token that may read Ecommerce and write Sites. Webhooks made in the dashboard are not signed, and would be refused.",
    ),
    Command(
        "Register the webhook with that token. An OAuth app, whose client secret signs all its webhooks, can register ecomm_order_changed too; a site token cannot, as each of its webhooks has a secret of its own.",
        "curl -X POST 'https://api.webflow.com/v2/sites/SITE_ID/webhooks' \\\n  -H 'Authorization: Bearer SITE_TOKEN' \\\n  -H 'Content-Type: application/json' \\\n  --data '{\"triggerType\":\"ecomm_new_order\",\"url\":\"{url}\"}'",
    ),
    Paste("The answer holds the webhook's secretKey, once. Paste it here."),
];

pub const ZAPIER: &[Step] = &[
    Do("In the Zap add the action Webhooks by Zapier → POST."),
    Url("Paste this as URL."),
    Topics(
        "Choose the payload type Json and add these fields under Data.",
        &[
            "external_id",
            "currency",
            "total",
            "lines[0][name]",
            "lines[0][quantity]",
            "lines[0][unit_price]",
        ],
    ),
    Bearer("Add the header Authorization with this value."),
];

pub const MAKE: &[Step] = &[
    Do("In the scenario add the module HTTP → Make a request, with the method POST."),
    Url("Paste this as URL."),
    Bearer("Add the header Authorization with this value."),
    Do(
        "Choose the body type Raw and the content type JSON, and switch on “Evaluate all states as errors”: without it a refused order counts as sent.",
    ),
];
