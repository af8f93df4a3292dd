# %% [markdown]
# # 1. A first network in five minutes
#
# We train the simplest network that reads letters: one matrix. It learns 2,000 handwritten letters, one at a time, and
# we see its error after every single one.
#
# The first run of this lesson takes up to a minute, because loops are compiled and letters are drawn. Later ones take
# seconds.

# %%
import matplotlib.pyplot as plt

import letterocr

letters = letterocr.letters("synthetic")
print(letters)

# %% [markdown]
# These letters are drawn by the package itself, so nothing is downloaded. Each one is a picture of 30 by 30 pixels. We
# write its 900 pixels below each other as a vector $a$: paper is 0, ink is 1.

# %%
fig, axes = plt.subplots(2, 13, figsize=(9, 1.6))
for k, ax in enumerate(axes.flat):
    a = letters.test.images[letters.test.labels == k][0]
    ax.imshow(a.reshape(30, 30), cmap="gray_r")
    ax.axis("off")
plt.show()

# %% [markdown]
# ## The network
#
# The network is a matrix $W$ with 26 rows and 900 columns. It answers with 26 outputs, one for each letter (equation 2
# of the paper):
#
# $$q = W a$$
#
# The largest output is the letter that the network reads. The right answer $c$ for an A would be 1 in the first place
# and 0 in all others (3). After each letter, gradient descent changes $W$ a little, so that $q$ comes nearer to $c$
# (6):
#
# $$W \leftarrow W - \alpha \, (q - c) \, a^T$$

# %%
run = letterocr.fit(model="two_layer", data="synthetic", samples=2000)
print(run)

# %% [markdown]
# The paper counts layers of numbers, not matrices: pixels and outputs are two layers. Now the error on 520 test
# letters, which the network never learns from:

# %%
fig, ax = plt.subplots(figsize=(6, 3.2), layout="constrained")
run.plot(ax, label="two layers")
plt.show()

# %%
for samples in (0, 100, 500, 2000):
    print(
        f"after {samples:5,} letters: {run.curve.test_error[samples, 0]:.0%} misread"
    )

# %% [markdown]
# **What you should see.** At the start 96 % are misread: the network guesses, and one guess in 26 is right. After 500
# letters about half are misread, after 2,000 about 30 %. The curve is rough, because a single letter changes all of
# $W$.
#
# ## What it learned
#
# Row $k$ of $W$ has 900 numbers, one for each pixel, so we can look at it as a picture. Output $k$ is the sum over all
# pixels of row $k$ times the letter. The weights began at small random values $W_0$ (a run with `samples=0`). We show
# what was learned, $W - W_0$: blue pixels speak for the letter, red ones against it.

# %%
start = letterocr.fit(model="two_layer", data="synthetic", samples=0)
W, W_0 = (
    run.network.weights[0][0],
    start.network.weights[0][0],
)  # the first network of each run: [26, 900]
fig, axes = plt.subplots(1, 5, figsize=(9, 2.1), layout="constrained")
for ax, letter in zip(axes, "EFIOX", strict=True):
    row = (W - W_0)[run.alphabet.index(letter)]
    ax.imshow(row.reshape(30, 30), cmap="RdBu", vmin=-0.02, vmax=0.02)
    ax.set_title(letter)
    ax.axis("off")
plt.show()

# %% [markdown]
# The row of F is blue at F's upper strokes, and red at the bottom, where an E has ink and an F has none.
#
# ## Read a letter
#
# `run.read` takes the path of a photo or a scan, or a letter that is a vector already.

# %%
a = letters.test.images[letters.test.labels == run.alphabet.index("X")][0]
reading = run.read(a)
print(f"read as {reading.text}, second best {reading.letters[0].runner_up}")

# %% [markdown]
# ## Three questions
#
# 1. Before it learns anything, the network is wrong 96 % of the time. What would be the error of a network that always
#    answers A?
# 2. Train again with `learning_rate=0.02`, and then with `learning_rate=0.00002`. What happens to the curve in each
#    case? (The fifth lesson explains it.)
# 3. `letterocr.matrix.read_letters(W, letters.test).confusions` lists which letters are taken for which. Look at the
#    rows of $W$ for the most frequent pair: which pixels must tell them apart?
