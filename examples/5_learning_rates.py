# %% [markdown]
# # 5. Learning rates from eigenvalues, and a sweep on a cluster
#
# Too small a learning rate wastes letters, too large a one destroys the network. For the two-layer network the limit
# can be computed before training. We compute it, and then check it with a sweep. This lesson takes a few seconds.

# %%
import tempfile

import matplotlib.pyplot as plt

import letterocr

letters = letterocr.letters("synthetic")
images = letters.train.images.double()  # [N, 900], one letter in each row

# %% [markdown]
# ## All letters at once
#
# The loss of the two-layer network is a parabola in the weights. Its curvature is the matrix (29)
#
# $$R = \frac{1}{N} \sum_{k=1}^{N} a_k a_k^T$$
#
# One step with all letters multiplies the error of the weights by $1 - \alpha R$. In the direction of an eigenvector
# of $R$ that is the factor $1 - \alpha \lambda$. The error shrinks in every direction if
# $\alpha < 2 / \lambda_{\max}$.

# %%
eigenvalues = letterocr.matrix.eigenvalues(images)
limit = letterocr.matrix.stability_limit(eigenvalues[0].item())
print(f"lambda_max = {eigenvalues[0]:.1f}, limit of the learning rate {limit:.4f}")

fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
ax.semilogy(eigenvalues)
ax.set(xlabel="number", ylabel=r"eigenvalue $\lambda$ of $R$")
plt.show()

# %% [markdown]
# The eigenvalues cover many powers of ten. The largest one dictates the rate, and the small ones then learn slowly:
# this is why gradient descent is slow at the end. The paper quotes $1/\lambda_{\max}$ (LeCun, Kanter, Solla 1991),
# which is half of our limit. It *is* the limit if the loss is $|q - c|^2$, without the factor $\frac{1}{2}$, as in
# (4).
#
# Is the limit right? We train with all letters in each step, just below it and just above it:

# %%
whole = {
    "model": "two_layer",
    "data": letters,
    "batch": "all",
    "samples": 25 * len(letters.train),
}
whole |= {
    "learning_rate": [0.9 * limit, 1.1 * limit],
    "replicas": 2,
    "evaluate_every": 25 * len(letters.train),
}
run = letterocr.fit(**whole)
steps = (
    run.curve.loss[1:].reshape(25, len(letters.train), 2).mean(1)
)  # the mean loss of all letters before each step
print(f"loss at the start {steps[0, 0]:.2f} and {steps[0, 1]:.2f}")
print(f"loss after 24 steps {steps[-1, 0]:.2f} and {steps[-1, 1]:.2f}")

# %% [markdown]
# Ten per cent below the limit the loss falls, ten per cent above it the loss explodes.
#
# ## One letter at a time
#
# One letter alone multiplies the error by $1 - \alpha a a^T$. The only eigenvalue of $a a^T$ that is not 0 is $|a|^2$,
# so that no letter makes the error longer if
#
# $$\alpha \leq \frac{2}{\max_k |a_k|^2}$$

# %%
safe = letterocr.matrix.sample_limit(images, loss_factor=0.5)
print(f"safe for one letter at a time: {safe:.4f}")

# %% [markdown]
# That is much less than the limit for all letters at once. $R$ is the mean of all $a_k a_k^T$; its largest eigenvalue is
# at most the mean of all $|a_k|^2$, and the more the letters differ, the smaller it is.
#
# ## A sweep
#
# A list of learning rates, one for each of ten networks that train side by side:

# %%
rates = [0.00003, 0.0001, 0.0003, 0.0006, 0.001, 0.002, 0.004, 0.006, 0.008, 0.012]
sweep = letterocr.fit(
    model="two_layer",
    data=letters,
    learning_rate=rates,
    replicas=10,
    samples=1500,
    evaluate_every=50,
)
samples, errors = sweep.curve.measured()

fig, ax = plt.subplots(figsize=(6, 3.2), layout="constrained")
ax.semilogx(rates, 100 * errors[-1], "o-")
ax.axvline(safe, color="grey", linestyle="--", label=r"$2 / \max |a|^2$")
ax.set(xlabel="learning rate", ylabel="test error, %", ylim=(0, 100))
ax.legend()
plt.show()
best = errors[-1].argmin()
print(f"best rate {rates[best]}: {errors[-1, best]:.0%} misread")

# %% [markdown]
# **What you should see.** A valley. On the left the networks learn too little in 1,500 letters. On the right they
# learn the last letter, and forget the ones before. The safe limit is an upper end, not the best value, which is about
# ten times smaller.
#
# ## The same on a cluster
#
# Larger networks and many seeds are work for many processes. In a terminal, one command trains every combination, each
# in a folder of its own, on the cores of this machine or on a SLURM cluster:
#
# ```
# letterocr train -m model=two_layer learning_rate=0.0003,0.001 seed="range(8)" launcher=local output=outputs
# letterocr train -m ... launcher=slurm_cpu hydra.launcher.partition=P
# letterocr summary outputs
# ```
#
# A run that was stopped is continued, a finished run is not trained again, and `letterocr summary` shows all of them
# on one page. From Python you do the same with `output=`, a folder. The second call below finds the finished runs and
# trains nothing, whoever trained them:

# %%
with tempfile.TemporaryDirectory() as folder:
    for attempt in ("first", "second"):
        for rate in (0.0003, 0.001):
            run = letterocr.fit(
                model="two_layer",
                learning_rate=rate,
                samples=500,
                evaluate_every=50,
                tensorboard=False,
                output=folder,
            )
            print(
                f"{attempt} call: learning rate {rate}, {run.test_error:.0%} misread, {run.folder.name}"
            )

# %% [markdown]
# The name of a run folder ends with a hash of everything that can change the result. The same fields give the same
# folder, in Python, in a terminal and on a cluster, and so a sweep can be interrupted at any time.
#
# ## Three questions
#
# 1. If all letters were twice as dark ($2a$ instead of $a$), what would the safe learning rate be?
# 2. The best rate depends on the number of samples. Repeat the sweep with 200 samples and with 5,000. Which way does
#    the valley move, and why?
# 3. Subtract the mean letter from all images (`images - images.mean(0)`) and compute the eigenvalues again. What
#    happens to $\lambda_{\max}$, and why do many people centre their data?
