"""The claim engine: work that lies in a table is claimed, finished and given back by one set of rules.

`engine` holds the rules, over any model of `classifier.models.claimable`; `identity` says who holds
a claim and whether that process still lives; `wake_ups` calls workers by the names of their tasks.
Used by predictions, explanations and webhook deliveries. It knows no service: they build on it.
"""
