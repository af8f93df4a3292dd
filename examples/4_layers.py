# %% [markdown]
# # 4. Two, three and four layers, and what a hidden layer buys
#
# A hidden layer costs many weights. What does it give? We use 100 hidden units and 3,000 letters, where the paper has
# 1,800 units, so that this takes seconds. At the end are the commands for the full size.

# %%
import matplotlib.pyplot as plt
import torch

import letterocr

letters = letterocr.letters("synthetic")
common = {"data": letters, "samples": 3000, "evaluate_every": 50, "replicas": 3}
runs = {
    "two layers": letterocr.fit(model="two_layer", **common),
    "three layers": letterocr.fit(
        model="three_layer", model__hidden=[100], learning_rate=0.5, **common
    ),
    "four layers": letterocr.fit(
        model="four_layer", model__hidden=[100, 100], learning_rate=0.5, **common
    ),
}

# %% [markdown]
# `replicas=3` trains three networks side by side, which differ in their initial weights and in the order of the
# letters. The line is their median, the band is between their quartiles (compare Fig. 7 and 8):

# %%
fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
for name, run in runs.items():
    run.plot(ax, label=name)
ax.legend()
plt.show()
for name, run in runs.items():
    print(f"{name}: {run.test_error:.0%} misread at the end")

# %% [markdown]
# **What you should see.** Two layers learn fast at first, and then hardly improve. Three layers overtake them. Four
# layers begin more slowly, since every step must pass through two more matrices.
#
# ## Not because there are more weights
#
# Perhaps three layers are better only because they have more weights? Leave out the sigmoid, and a hidden layer is
# worth nothing, however wide it is. The outputs are (26, 27)
#
# $$q = W_q (W_h a + b_h) + b_q = (W_q W_h) \, a + (W_q b_h + b_q)$$
#
# so that one matrix $W = W_q W_h$ and one bias $b = W_q b_h + b_q$ do the same. We train such a network, and multiply:

# %%
linear = letterocr.fit(
    model="three_layer",
    model__hidden=[100],
    model__activation="linear",
    model__init_scale=0.3,
    learning_rate=0.0005,
    data=letters,
    samples=500,
    evaluate_every=100,
)
network = linear.network.replica(0)
W, b = letterocr.matrix.collapse(network.weights, network.biases)
outputs = network.forward(letters.test.images)[-1]
one_matrix = letters.test.images.double() @ W.T + b
print(
    f"W: {list(W.shape)}, largest difference of an output: {(outputs - one_matrix).abs().max():.0e}"
)

# %% [markdown]
# The difference is rounding (the network computes in 32 bits). The paper hopes that a linear hidden layer escapes the
# limits of lesson 2. It does not: (27) has the form of (23), which is that of (12).
#
# ## What the sigmoid does
#
# Through the hidden layer the 26 typical letters become 26 vectors of activations, $H = s(W_h A + b_h 1^T)$. A linear
# layer can't raise their rank above that of the pixels and a row of ones. The sigmoid can. We measure the effective
# rank behind the same random hidden layer at several temperatures; a small $T$ makes $s$ steep.

# %%
A = letterocr.matrix.alphabet(letters.train)
generator = torch.Generator().manual_seed(0)
W_h = torch.randn(300, 900, generator=generator, dtype=torch.float64)
b_h = torch.zeros(300, dtype=torch.float64)

temperatures = [0.5, 1, 2, 5, 10, 30, 150]
pixels = letterocr.matrix.measure_conditioning(A)
hidden = letterocr.matrix.measure_through_hidden_layer(A, W_h, b_h, temperatures)

fig, ax = plt.subplots(figsize=(6, 3.2), layout="constrained")
ax.semilogx(
    temperatures,
    [found.centred_ranks.entropy for found in hidden],
    "o-",
    label="hidden activations",
)
ax.axhline(
    pixels.centred_ranks.entropy, color="grey", linestyle="--", label="pixels"
)
ax.set(xlabel="temperature $T$", ylabel="effective rank (entropy)", ylim=(0, 26))
ax.legend()
plt.show()

# %%
print(
    f"pixels {pixels.centred_ranks.entropy:.1f}, T = 0.5 {hidden[0].centred_ranks.entropy:.1f}, ",
    end="",
)
print(f"T = 150 {hidden[-1].centred_ranks.entropy:.1f}")

# %% [markdown]
# **What you should see.** At a high temperature $s$ is nearly a straight line, and the rank is that of the pixels. At
# a low temperature it rises: letters that were nearly sums of others now point in directions of their own. This is
# what a hidden layer buys, even before it learns.
#
# ## The full size
#
# In a terminal, with the widths and the rule of the paper (this takes longer):
#
# ```
# letterocr train -m experiment=paper/fig7 model=two_layer,three_layer
# letterocr train -m experiment=paper/fig8 model=three_layer,four_layer
# ```
#
# ## Three questions
#
# 1. Give the three-layer network 10 hidden units, then 30 and 300. From which width on is it better than two layers?
# 2. `collapse` works for three linear matrices too. What is the largest rank of $W$ if a hidden layer has 10 units? Can
#    such a network give all 26 correct outputs?
# 3. The four-layer network has more weights than the three-layer network. Try `learning_rate=0.1` and `1.0`: is there
#    a rate at which it learns as fast?
